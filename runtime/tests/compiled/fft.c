static double re[4096],im[4096],cs[4096],sn[4096];
__attribute__((noinline)) void fft(double*re,double*im,int n){for(int i=1,j=0;i<n;i++){int b=n>>1;for(;j&b;b>>=1)j^=b;j^=b;if(i<j){double t=re[i];re[i]=re[j];re[j]=t;t=im[i];im[i]=im[j];im[j]=t;}}
for(int len=2;len<=n;len<<=1){int st=n/len;for(int i=0;i<n;i+=len)for(int k=0;k<len/2;k++){double c=cs[k*st],s=sn[k*st];double*pr=re+i+k,*pi=im+i+k;double xr=pr[len/2]*c-pi[len/2]*s,xi=pr[len/2]*s+pi[len/2]*c;pr[len/2]=pr[0]-xr;pi[len/2]=pi[0]-xi;pr[0]+=xr;pi[0]+=xi;}}}
long long run(void){int n=2048;double c=1,s=0,dc=0.99999529,ds=0.00306795;for(int i=0;i<n;i++){cs[i]=c;sn[i]=s;double t=c*dc-s*ds;s=s*dc+c*ds;c=t;re[i]=i%17;im[i]=0;}fft(re,im,n);fft(im,re,n);double t=0;for(int i=0;i<n;i++)t+=re[i]*i;return (long long)t;}
