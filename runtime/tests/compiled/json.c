static char src[40000];static double nums[8000];static int nn,depth,maxd;
static const char*ws(const char*p){while(*p==' '||*p=='\n'||*p=='\t')p++;return p;}
static const char*val(const char*p){p=ws(p);if(*p=='['){if(++depth>maxd)maxd=depth;p=ws(p+1);if(*p!=']')for(;;){p=val(p);p=ws(p);if(*p!=',')break;p++;}depth--;return p+1;}
if(*p=='{'){p=ws(p+1);if(*p!='}')for(;;){p=ws(p);p++;while(*p!='"')p+=*p=='\\'?2:1;p=ws(p+1);p=val(p+1);p=ws(p);if(*p!=',')break;p++;}return p+1;}
if(*p=='"'){p++;while(*p!='"')p+=*p=='\\'?2:1;return p+1;}
double v=0;int neg=0;if(*p=='-'){neg=1;p++;}while(*p>='0'&&*p<='9')v=v*10+(*p++-'0');if(*p=='.'){double f=0.1;p++;while(*p>='0'&&*p<='9'){v+=f*(*p++-'0');f*=0.1;}}if(nn<8000)nums[nn++]=neg?-v:v;return p;}
static char*num(char*o,unsigned v){char t[12];int n=0;do{t[n++]='0'+v%10;v/=10;}while(v);while(n)*o++=t[--n];return o;}
long long run(void){char*o=src;*o++='[';unsigned s=9;for(int i=0;i<700;i++){if(i)*o++=',';*o++='{';*o++='"';*o++='k';*o++='"';*o++=':';*o++=' ';s=s*1664525+1013904223;o=num(o,s>>8);*o++='.';o=num(o,i);*o++=',';*o++='"';*o++='a';*o++='"';*o++=':';*o++='[';*o++='-';o=num(o,i*i);*o++=',';*o++='"';*o++='x';*o++='y';*o++='"';*o++=']';*o++='}';}*o++=']';*o=0;nn=0;depth=0;val(src);double t=0;for(int i=0;i<nn;i++)t+=nums[i];return (long long)t+nn*1000000ll+maxd;}
