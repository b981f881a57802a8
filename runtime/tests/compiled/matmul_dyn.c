static double buf[3*100*100];
__attribute__((noinline)) void mm(int n,const double*a,const double*b,double*c){
  for(int i=0;i<n;i++)for(int j=0;j<n;j++){double s=0;for(int k=0;k<n;k++)s+=a[i*n+k]*b[k*n+j];c[i*n+j]=s;}
}
long long run(void){int n=90;double*a=buf,*b=buf+n*n,*c=buf+2*n*n;
 for(int i=0;i<n*n;i++){a[i]=i%7;b[i]=i%5;} mm(n,a,b,c);mm(n,c,a,b);double t=0;for(int i=0;i<n*n;i++)t+=b[i];return (long long)t;}
